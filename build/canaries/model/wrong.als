/* A model whose expectations are all wrong: model/run must object to each. */
module wrong

sig Thing {}

check Refuted_butExpectedToHold { no Thing } for 2 expect 0
check Holds_butExpectedToBeRefuted { no none } for 2 expect 1
run Impossible_butExpected { some Thing and no Thing } for 2 expect 1
run Possible_butExpectedNotToBe { some Thing } for 2 expect 0
check Holds_butExpectsNothing { no none } for 2
