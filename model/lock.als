/*
 * The lock protocol in revision space: leases, session epochs, a queue by create_revision, acquires that are applied
 * late, fencing tokens; and in time: what a client believes against what the server expires.
 *
 * README.md says what is in here, what is not, and how to read it. Names are those of docs/protocol.md.
 *
 * In one step etcd does at most one thing, and every client at most one thing, each from the state before: whatever
 * several clients do in one step they could have done one after the other.
 */
module lock

open util/ordering[Rev] as revisions
open util/ordering[Tick] as ticks
open util/ordering[Term] as terms

// ------------------------------------------------------------------------------------------------ state

/** A revision of etcd's store. */
sig Rev {}

one sig Etcd {
  /** The store's revision. */
  var rev: one Rev
}

/** One session of one client process. A process that opens another session is another client. */
sig Client {
  /** etcd: mod_revision of the session key; none once the lease is gone. */
  var mod: lone Rev,
  /** The session epoch that the client sends; none once it has given the session up. */
  var m: lone Rev,
  /** The attempt under way, or the entry that waits or holds. */
  var cur: lone Key,

  // In time, see "belief".
  /** etcd: when the lease ends. */
  var expiry: lone Tick,
  /** Until when the client believes. */
  var deadline: lone Tick,
  /** When the keep-alive under way was sent. */
  var asked: lone Tick,
  /** The term in its answer; none: not answered. */
  var answered: lone Term
}

/** Those that are Go's: their token is the revision of the grant, whatever ours is. */
sig Go in Client {}

/** Clients whose attempt has no answer: applied, or not, or not yet. */
var sig InDoubt in Client {}

/** Clients with a BUMP under way, whether for this lock or for another one. */
var sig Bumping in Client {}

/** A key of this lock: one attempt, never used again. Its fields are its history. */
sig Key {
  owner: one Client,
  /** The ACQUIRE on its way, with the epoch it compares; it may be applied at any time, however late. */
  var sent: lone Rev,
  /** create_revision, the c of the protocol. */
  var created: lone Rev,
  var deleted: lone Rev,
  /** The grant revision, the g of the protocol. */
  var granted: lone Rev
}

/** Keys that were sent. */
var sig Used in Key {}

/** Keys whose RELEASE is on its way. */
var sig Leaving in Key {}

/** What could be wrong in a client or in a server; each command says which of it is. */
abstract sig Mutant {}
one sig NoEpochCompare, LookWithoutBump, GrantWithoutOwnEntry, GrantOnPredecessorGone, TokenFromCreate,
  DeadlineFromAnswer, UnconfirmedKeepAlive extends Mutant {}
one sig Build {
  mutants: set Mutant
}

fun alive: set Key { created.Rev - deleted.Rev }
fun held: set Key { Client.cur & granted.Rev }

// ------------------------------------------------------------------------------------------------ etcd

pred storeStays {
  rev' = rev
  created' = created
  deleted' = deleted
  mod' = mod
}

pred commits { Etcd.rev' = Etcd.rev.(revisions/next) }

/** Txn If mod(sess) = m and create(k) = 0 Then put(k, lease). The lease must exist. */
pred applyAcquire[k: Key] {
  some k.sent
  some k.owner.mod
  k.owner.mod = k.sent or NoEpochCompare in Build.mutants
  commits
  created' = created + k->Etcd.rev'
  deleted' = deleted
  mod' = mod
}

/** The same, with the compare failing. */
pred refuseAcquire[k: Key] {
  some k.sent
  k.owner.mod != k.sent
  storeStays
}

/** Txn If mod(sess) = m Then put(sess). */
pred applyBump[c: Client] {
  c in Bumping
  some c.mod
  c.mod = c.m
  commits
  created' = created
  deleted' = deleted
  mod' = mod ++ c->Etcd.rev'
}

/** Txn If create(k) = c Then delete k. */
pred applyRelease[k: Key] {
  k in Leaving
  deleteAlive[k]
}

/** Somebody else deletes the entry: an operator, or a bug of another program. */
pred deleteByOther[k: Key] { deleteAlive[k] }

pred deleteAlive[k: Key] {
  k in alive
  commits
  created' = created
  deleted' = deleted + k->Etcd.rev'
  mod' = mod
}

/** The lease ends, and takes its keys with it in one revision. */
pred expire[c: Client] {
  some c.mod
  commits
  created' = created
  deleted' = deleted + (alive & owner.c)->Etcd.rev'
  mod' = mod - c->Rev
}

pred etcdDoes {
  storeStays
    or (some k: Key | applyAcquire[k] or refuseAcquire[k] or applyRelease[k] or deleteByOther[k])
    or (some c: Client | applyBump[c] or expire[c])
}

/** A message is applied at most once; one that was refused is gone, too. */
pred messagesFollow {
  all k: Key |
    (no k.created and some k.created') implies no k.sent'
    else (some c: Client | sends[c, k]) implies k.sent' = k.owner.m
    else (k.sent' = k.sent or (some k.sent and k.owner.mod != k.sent and no k.sent' and storeStays))
}

// ------------------------------------------------------------------------------------------------ clients

pred sends[c: Client, k: Key] {
  k not in Used
  k in Used'
  c.cur' = k
}

/** ACQUIRE, once, with the current epoch and a fresh key, when every earlier attempt is settled. */
pred send[c: Client] {
  some c.m
  no c.cur
  c not in Bumping
  no Leaving & owner.c & alive
  some k: owner.c | sends[c, k]
  staysInDoubt[c]
  c.m' = c.m
}

/** No answer in time: the attempt is in doubt, and a bump is wanted. */
pred doubt[c: Client] {
  some c.m
  some c.cur
  no c.cur.granted
  c not in InDoubt
  c in InDoubt'
  c in Bumping'
  sameEntry[c]
}

/** A bump for the sake of another lock. */
pred bumpForOther[c: Client] {
  some c.m
  c not in Bumping
  c in Bumping'
  c in InDoubt iff c in InDoubt'
  sameEntry[c]
}

/** The bump's answer: the new epoch, and what is of the key that was in doubt, read after the epoch moved. */
pred settle[c: Client] {
  c in Bumping
  some c.m and some c.mod
  c.mod != c.m or (LookWithoutBump in Build.mutants and c in InDoubt)
  c.m' = c.mod
  c.cur' = (c in InDoubt and c.cur not in created.Rev implies none else c.cur)
  c not in InDoubt'
  c not in Bumping'
}

/** The answer says that the compare failed. */
pred startAgain[c: Client] {
  some c.m
  c.cur in Used and some c.cur
  no c.cur.sent
  no c.cur.created
  c not in InDoubt
  leaves[c]
}

/**
 * The certificate: an answer or a view of revision r, however old, shows the own entry and nothing before it.
 */
pred shows[k: Key, r: Rev] {
  some k.created
  lte[k.created, r]
  lte[r, Etcd.rev]
  (all d: k.deleted | lt[r, d]) or GrantWithoutOwnEntry in Build.mutants
  (all j: created.Rev | lt[j.created, k.created] implies (some j.deleted and lte[j.deleted, r]))
    or (GrantOnPredecessorGone in Build.mutants and showsPredecessorGone[k, r])
}

/** The mutant waits for one entry, the one before it when it came, and does not look at the others again. */
pred showsPredecessorGone[k: Key, r: Rev] {
  some j: created.Rev | lt[j.created, k.created] and some j.deleted and lte[j.deleted, r]
}

pred grants[k: Key] {
  no k.granted
  some k.granted'
}

pred grant[c: Client] {
  some c.m
  c not in InDoubt
  some c.cur
  no c.cur.granted
  some r: Rev | shows[c.cur, r] and c.cur.granted' = r
  c in Bumping iff c in Bumping'
  c not in InDoubt'
  sameEntry[c]
}

/** The holder unlocks, or nobody wants the entry any more that waits. */
pred release[c: Client] {
  some c.m
  c.cur in created.Rev and some c.cur
  c not in InDoubt
  c.cur in Leaving'
  leaves[c]
}

/** A view shows the own entry gone. */
pred findGone[c: Client] {
  some c.m
  some c.cur.deleted
  c not in InDoubt
  leaves[c]
}

/** The client gives its session up: the deadline has passed, or an answer says so. At any time. */
pred lose[c: Client] {
  some c.m
  no c.m'
  no c.cur'
  c not in InDoubt'
  c not in Bumping'
}

pred rests[c: Client] {
  sameEntry[c]
  staysInDoubt[c]
}

pred leaves[c: Client] {
  no c.cur'
  c.m' = c.m
  staysInDoubt[c]
}

pred sameEntry[c: Client] {
  c.cur' = c.cur
  c.m' = c.m
}

pred staysInDoubt[c: Client] {
  c in InDoubt iff c in InDoubt'
  c in Bumping iff c in Bumping'
}

pred clientsDo {
  all c: Client |
    rests[c] or send[c] or doubt[c] or bumpForOther[c] or settle[c] or startAgain[c] or grant[c] or release[c]
      or findGone[c] or lose[c]
  // Nothing changes but by what a client did.
  all k: Key | k.granted' != k.granted implies (grants[k] and k = k.owner.cur and grant[k.owner])
  all k: Key | (k in Used' and k not in Used) implies (send[k.owner] and sends[k.owner, k])
  all k: Used | k in Used'
  all k: Key | (k in Leaving' and k not in Leaving) implies (k = k.owner.cur and release[k.owner])
  all k: Leaving | k in Leaving'
}

// ------------------------------------------------------------------------------------------------ behaviour

pred begins {
  Etcd.rev = revisions/first
  mod = Client->revisions/first
  m = mod
  no cur and no sent and no created and no deleted and no granted
  no Used and no Leaving and no InDoubt and no Bumping
}

pred step { etcdDoes and messagesFollow and clientsDo }

/** Every history of the protocol as it is built. */
pred histories { begins and always step }

/** No session is lost, and no bump is needed: what is looked for among these is found sooner. */
pred calm { always (mod = Client->revisions/first and m = mod and no Bumping) }

pred correct { no Build.mutants }
pred only[x: Mutant] { Build.mutants = x }

fun token[k: Key]: lone Rev {
  TokenFromCreate in Build.mutants and k.owner not in Go implies (some k.granted implies k.created else none)
    else k.granted
}

// ------------------------------------------------------------------------------------------------ belief

/** TTL: two ticks. */
fun ttlAfter[t: Tick]: lone Tick { t.(ticks/next).(ticks/next) }

one sig Clock {
  var now: one Tick,
  /** The leader's term. */
  var term: one Term
}

sig Tick {}
sig Term {}

pred timeBegins {
  Clock.now = ticks/first
  Clock.term = terms/first
  expiry = Client->ttlAfter[ticks/first]
  deadline = expiry
  no asked and no answered
}

/** The client's clock is the server's; time passes as it likes beside everything else. */
pred timeStep {
  Clock.now' in Clock.now + Clock.now.(ticks/next)
  Clock.term' in Clock.term + Clock.term.(terms/next)
  leaderChanges implies some ttlAfter[Clock.now]
  all c: Client | timeRests[c] or ask[c] or renew[c] or answerOfStuckLeader[c] or confirm[c]
  // I8: grants only before the deadline.
  all k: Key | grants[k] implies lt[Clock.now, k.owner.deadline]
}

pred timed { histories and timeBegins and always timeStep }

/** A new leader lets every lease begin anew. */
pred leaderChanges { Clock.term' != Clock.term }

fun expiryUnlessRenewed[c: Client]: lone Tick { leaderChanges implies ttlAfter[Clock.now] else c.expiry }

pred timeRests[c: Client] {
  c.expiry' = expiryUnlessRenewed[c]
  c.deadline' = c.deadline
  c.asked' = c.asked
  c.answered' = c.answered
}

/** Keep-alive sent: the time is taken before. */
pred ask[c: Client] {
  some c.m
  no c.asked
  c.asked' = Clock.now
  c.answered' = c.answered
  c.expiry' = expiryUnlessRenewed[c]
  c.deadline' = c.deadline
}

/** The leader renews the lease and answers. */
pred renew[c: Client] {
  some c.mod
  some c.asked and no c.answered
  some ttlAfter[Clock.now]
  c.expiry' = ttlAfter[Clock.now]
  c.answered' = Clock.term
  c.asked' = c.asked
  c.deadline' = c.deadline
}

/** One who was leader and does not know that he is not answers, and renews nothing that counts. */
pred answerOfStuckLeader[c: Client] {
  some c.asked and no c.answered
  some t: Term | lt[t, Clock.term] and c.answered' = t
  c.asked' = c.asked
  c.expiry' = expiryUnlessRenewed[c]
  c.deadline' = c.deadline
}

/** A transaction through the log shows the session alive, in the term of the keep-alive's answer. */
pred confirm[c: Client] {
  some c.m
  some c.asked and some c.answered
  (some c.mod and c.answered = Clock.term) or UnconfirmedKeepAlive in Build.mutants
  let from = (DeadlineFromAnswer in Build.mutants implies Clock.now else c.asked), d = ttlAfter[from] {
    some d
    c.deadline' = (lt[c.deadline, d] implies d else c.deadline)
  }
  no c.asked' and no c.answered'
  c.expiry' = expiryUnlessRenewed[c]
}

/** What S3 rests on: no lease ends before its time, and nobody deletes the entry of another. */
pred honestStep {
  all c: Client | (some c.mod and no c.mod') implies gte[Clock.now, c.expiry]
  all k: alive | some k.deleted' implies (k in Leaving or no k.owner.mod')
}

pred thinksItHolds[c: Client] {
  some c.m
  some c.cur.granted
  lt[Clock.now, c.deadline]
}

pred twoThinkTheyHold { some disj a, b: Client | thinksItHolds[a] and thinksItHolds[b] }

// ------------------------------------------------------------------------------------------------ claims

/** S1: ownership intervals [g, d) are disjoint. */
pred exclusion {
  all disj a, b: granted.Rev |
    (some a.deleted and lte[a.deleted, b.granted]) or (some b.deleted and lte[b.deleted, a.granted])
}

/** S2: from hold to hold, in the order of the queue, tokens strictly grow. */
pred tokensGrow {
  all disj a, b: granted.Rev | lt[a.created, b.created] implies lt[token[a], token[b]]
}

/** I2: an acquire is applied only with the epoch of that revision. */
pred appliedWithCurrentEpoch {
  all k: Key | (no k.created and some k.created') implies k.sent = k.owner.mod
}

/** I3, its consequence: what is in the queue, its client knows of, as long as it has a session at all. */
pred noGhost {
  all k: alive | (some k.owner.m and some k.owner.mod) implies (k = k.owner.cur or k in Leaving)
}

/** I3: a client with nothing under way has nothing in flight that could still be applied. */
pred settledMeansSettled {
  all c: Client | (some c.m and no c.cur) implies no k: owner.c | some k.sent and k.sent = c.mod
}

/** I5: who was granted at g was in the queue at g, and first. No hold of an entry that is gone. */
pred grantedWasFirst {
  all k: granted.Rev {
    lte[k.created, k.granted]
    some k.deleted implies lt[k.granted, k.deleted]
    all j: created.Rev | lt[j.created, k.created] implies (some j.deleted and lte[j.deleted, k.granted])
  }
}

/** A lease that is gone has no entries, and never gets one again. */
pred deadSessionsOwnNothing { all k: alive | some k.owner.mod }


// ------------------------------------------------------------------------------------------------ induction

/*
 * What holds in every state. It holds in the first state and every step keeps it, so it holds in histories of any
 * length; the claims above follow from it. The scope bounds clients, keys and distinct revisions, not the length.
 */
pred invariant { bookkeeping and epochs and noGhost and settledMeansSettled and grantedWasFirst and deadSessionsOwnNothing }

pred bookkeeping {
  // Nothing comes from the future.
  all r: Key.(created + deleted + granted + sent) + Client.(mod + m) | lte[r, Etcd.rev]

  // I1, and one life for every key.
  all disj a, b: created.Rev | a.created != b.created
  all k: deleted.Rev | some k.created and lt[k.created, k.deleted]
  created.Rev + sent.Rev in Used
  no created.Rev & sent.Rev
  granted.Rev + Leaving in created.Rev

  // A client knows what it has under way, and has one thing under way.
  all c: Client | c.cur in Used & owner.c - Leaving
  all c: Client | some c.cur + (c & (InDoubt + Bumping)) implies some c.m
  all c: InDoubt | c in Bumping and some c.cur and no c.cur.granted
}

/**
 * etcd's epoch is the client's, or is ahead while a bump is under way; what is in flight carries no newer one, and an
 * older one if it is not the attempt under way.
 */
pred epochs {
  all c: Client | (some c.m and some c.mod) implies (lte[c.m, c.mod] and (c.m != c.mod implies c in Bumping))
  all k: sent.Rev | some k.owner.mod implies lte[k.sent, k.owner.mod]
  all k: sent.Rev | some k.owner.m implies (lte[k.sent, k.owner.m] and (k.sent = k.owner.m implies k = k.owner.cur))
}

/** What holds in every state besides, with an honest server. */
pred timeInvariant {
  all c: Client {
    some c.expiry and some c.deadline
    some ttlAfter[Clock.now] implies lte[c.expiry, ttlAfter[Clock.now]]
    some c.asked implies lte[c.asked, Clock.now]
    some c.answered implies (some c.asked and lte[c.answered, Clock.term])
    (some c.mod and some c.answered and c.answered = Clock.term) implies gte[c.expiry, ttlAfter[c.asked]]
    (some c.m and some c.mod) implies lte[c.deadline, c.expiry]
    (some c.m and no c.mod) implies lte[c.deadline, Clock.now]
    (some c.m and some c.cur.deleted) implies no c.mod
  }
}

// ------------------------------------------------------------------------------------------------ commands

/* The protocol as it is: claims for histories of any length, by induction. */

check Invariant_holdsAtTheBeginning { (correct and begins) implies invariant }
  for exactly 4 Client, 5 Key, 7 Rev, 1 Tick, 1 Term, 1..1 steps expect 0
check Invariant_bookkeeping_isKeptByEveryStep { (correct and invariant and step) implies after bookkeeping }
  for exactly 4 Client, 5 Key, 7 Rev, 1 Tick, 1 Term, 2..2 steps expect 0
check Invariant_epochs_isKeptByEveryStep { (correct and invariant and step) implies after epochs }
  for exactly 4 Client, 5 Key, 7 Rev, 1 Tick, 1 Term, 2..2 steps expect 0
check Invariant_I3_noGhosts_isKeptByEveryStep { (correct and invariant and step) implies after (noGhost and settledMeansSettled) }
  for exactly 4 Client, 5 Key, 7 Rev, 1 Tick, 1 Term, 2..2 steps expect 0
check Invariant_I5_grants_isKeptByEveryStep { (correct and invariant and step) implies after grantedWasFirst }
  for exactly 4 Client, 5 Key, 7 Rev, 1 Tick, 1 Term, 2..2 steps expect 0
check Invariant_deadSessions_isKeptByEveryStep { (correct and invariant and step) implies after deadSessionsOwnNothing }
  for exactly 4 Client, 5 Key, 7 Rev, 1 Tick, 1 Term, 2..2 steps expect 0
check S1_exclusion_followsFromTheInvariant { (correct and invariant) implies exclusion }
  for exactly 4 Client, 5 Key, 7 Rev, 1 Tick, 1 Term, 1..1 steps expect 0
check S2_tokensGrow_followsFromTheInvariant { (correct and invariant) implies tokensGrow }
  for exactly 4 Client, 5 Key, 7 Rev, 1 Tick, 1 Term, 1..1 steps expect 0
check I2_acquireIsAppliedOnlyWithTheCurrentEpoch { (correct and invariant and step) implies appliedWithCurrentEpoch }
  for exactly 4 Client, 5 Key, 7 Rev, 1 Tick, 1 Term, 2..2 steps expect 0
check TimeInvariant_holdsAtTheBeginning { (correct and begins and timeBegins) implies timeInvariant }
  for exactly 4 Client, 5 Key, 7 Rev, 6 Tick, 3 Term, 1..1 steps expect 0
check TimeInvariant_isKeptByEveryStep_ofAnHonestServer {
  (correct and invariant and timeInvariant and step and timeStep and honestStep) implies after timeInvariant
} for exactly 4 Client, 5 Key, 7 Rev, 6 Tick, 3 Term, 2..2 steps expect 0
check S3_oneThinksItHolds_followsFromTheTimeInvariant {
  (correct and invariant and timeInvariant) implies not twoThinkTheyHold
} for exactly 4 Client, 5 Key, 7 Rev, 6 Tick, 3 Term, 1..1 steps expect 0

/* The same once more without the induction, from the first state on. */

check S1_S2_inShortHistories { (correct and histories) implies always (exclusion and tokensGrow and noGhost) }
  for exactly 3 Client, 3 Key, 6 Rev, 1 Tick, 1 Term, 6..6 steps expect 0

/* What must be possible: a model in which nothing happens proves nothing. */

run FourClientsHold_oneAfterTheOther {
  correct and histories and calm
  eventually granted.Rev.owner = Client
} for exactly 4 Client, exactly 4 Key, 8 Rev, 1 Tick, 1 Term, 10..10 steps expect 1
run ALateAcquire_meetsANewEpoch {
  correct and histories
  some disj old, new: Key | old.owner = new.owner and eventually {
    some old.sent and some new.granted and once (old = old.owner.cur)
    after no old.sent
  }
} for exactly 2 Client, 2 Key, 4 Rev, 1 Tick, 1 Term, 9..9 steps expect 1
run ADoubtfulAcquire_isAdoptedAndGranted {
  correct and histories
  some k: Key | eventually (k.owner in InDoubt and k = k.owner.cur and no k.created and eventually some k.granted)
} for exactly 2 Client, 2 Key, 5 Rev, 1 Tick, 1 Term, 8..8 steps expect 1

/* What cannot be promised: two may think they hold. */

check S3_oneThinksItHolds_whenAServerExpiresEarly {
  (correct and timed and always (all k: alive | some k.deleted' implies (k in Leaving or no k.owner.mod')))
    implies always not twoThinkTheyHold
} for exactly 2 Client, 2 Key, 5 Rev, 4 Tick, 1 Term, 7..7 steps expect 1
check S3_oneThinksItHolds_whenSomebodyDeletesTheEntry {
  (correct and timed and always (all c: Client | (some c.mod and no c.mod') implies gte[Clock.now, c.expiry]))
    implies always not twoThinkTheyHold
} for exactly 2 Client, 2 Key, 5 Rev, 4 Tick, 1 Term, 7..7 steps expect 1
check Entry_isThere_wheneverAClientThinksItHolds {
  (correct and histories) implies always (all c: Client | (some c.m and some c.cur.granted) implies c.cur in alive)
} for exactly 2 Client, 2 Key, 5 Rev, 1 Tick, 1 Term, 6..6 steps expect 1

/* Mutants: without this rule the claim does not hold. */

check Mutant_noEpochCompare_leavesAGhost { (only[NoEpochCompare] and histories) implies always noGhost }
  for exactly 1 Client, 2 Key, 4 Rev, 1 Tick, 1 Term, 7..7 steps expect 1
check Mutant_lookWithoutBump_leavesAGhost { (only[LookWithoutBump] and histories) implies always noGhost }
  for exactly 1 Client, 2 Key, 4 Rev, 1 Tick, 1 Term, 7..7 steps expect 1
check Mutant_grantWithoutOwnEntry_givesOneTokenTwice {
  (only[GrantWithoutOwnEntry] and histories and calm) implies always tokensGrow
} for exactly 3 Client, exactly 3 Key, 6 Rev, 1 Tick, 1 Term, 8..8 steps expect 1
check Mutant_grantOnPredecessorGone_givesTwoOwners {
  (only[GrantOnPredecessorGone] and histories and calm) implies always exclusion
} for exactly 3 Client, exactly 3 Key, 5 Rev, 1 Tick, 1 Term, 7..7 steps expect 1
check Mutant_tokenFromCreate_goesBackwardsNextToGo {
  (only[TokenFromCreate] and histories and calm) implies always tokensGrow
} for exactly 3 Client, exactly 3 Key, 6 Rev, 1 Tick, 1 Term, 8..8 steps expect 1
check Mutant_deadlineFromAnswer_outlivesTheLease {
  (only[DeadlineFromAnswer] and timed and always honestStep and always no Bumping) implies always not twoThinkTheyHold
} for exactly 2 Client, exactly 2 Key, 4 Rev, 6 Tick, 1 Term, 8..8 steps expect 1
check Mutant_unconfirmedKeepAlive_outlivesTheLease {
  (only[UnconfirmedKeepAlive] and timed and always honestStep and always no Bumping) implies always not twoThinkTheyHold
} for exactly 2 Client, exactly 2 Key, 4 Rev, 6 Tick, 2 Term, 8..8 steps expect 1
