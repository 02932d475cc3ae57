"""Whether one event meets a rule: the plain evaluator, and the sieve that says which rules are worth asking."""
