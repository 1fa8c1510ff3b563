# Kills a process group when its time is over, or when the one who feeds this script is gone.
#
# Plain POSIX sh, in a session of its own, so that no signal to the command or from a terminal reaches it. It reads lines:
#   guard GROUP     the group to guard; its leader says so itself, before it becomes the command
#   until TIME      when to kill it, in hundredths of a second of /proc/uptime; counts until the next such line
#   signal NAME     what to send to it now, or as soon as there is a group
#   end             its leader has ended: let nobody of the group be left, and end
# The end of the input means that the feeder is dead.
trap '' HUP INT QUIT TERM
group=
until=
timer=
early=

now() {
  read -r up idle </proc/uptime
  now=${up%.*}${up#*.}
}

# The group, and who left it for another one in the same session, as the jobs of an interactive shell do.
kill_all() {
  [ -n "$group" ] || return 0
  kill -s KILL -- "-$group" 2>/dev/null
  for stat in /proc/[0-9]*/stat; do
    read -r line 2>/dev/null <"$stat" || continue
    process=${line%% *}
    set -- ${line##*) }
    [ "$4" = "$group" ] && kill -s KILL "$process" 2>/dev/null
  done
}

# A time of day would do no harm if it came late, as it may after a pause; a number of seconds would. Slept in short
# pieces, because a suspended machine does not count what it slept through.
arm() {
  [ -n "$group" ] && [ -n "$until" ] || return 0
  (
    while now; left=$((until - now)); [ "$left" -gt 0 ]; do
      [ "$left" -lt 100 ] || left=100
      case $left in
        100) sleep 1 ;;
        ?) sleep "0.0$left" ;;
        *) sleep "0.$left" ;;
      esac || break
    done
    kill_all
  ) </dev/null &
  last=$timer
  timer=$!
  [ -n "$last" ] && [ "$last" != "$timer" ] && is_child "$last" && kill -s KILL "$last" 2>/dev/null
}

# A timer that has ended may have left its process id to somebody else.
is_child() {
  read -r line 2>/dev/null <"/proc/$1/stat" || return 1
  set -- ${line##*) }
  [ "$2" = "$$" ]
}

send() {
  case $1 in
    KILL) kill_all ;;
    *) kill -s "$1" -- "-$group" 2>/dev/null ;;
  esac
}

# A leader that was on its way when the feeder died still says so: nobody guards it otherwise.
patience=20
while :; do
  if read -r what value; then
    case $what in
      guard)
        group=$value
        arm
        for name in $early; do send "$name"; done
        early=
        ;;
      until) until=$value; arm ;;
      signal) if [ -n "$group" ]; then send "$value"; else early="$early $value"; fi ;;
      end) break ;;
    esac
  elif [ -z "$group" ] && [ "$patience" -gt 0 ]; then
    patience=$((patience - 1))
    sleep 0.1
  else
    what=dead
    break
  fi
done

# The last words of a pipe's end need a moment; the timer goes on meanwhile.
patience=20
while [ "$what" = end ] && [ -n "$group" ] && [ "$patience" -gt 0 ] && kill -s 0 -- "-$group" 2>/dev/null; do
  patience=$((patience - 1))
  sleep 0.1
done
kill_all
kill -s KILL 0 # this shell, and its timers
