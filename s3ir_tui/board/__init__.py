"""What is known, turned into what the war room shows: rows, watches and the next step, as pure functions."""
