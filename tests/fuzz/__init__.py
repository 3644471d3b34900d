"""Coverage-guided fuzzing of what reads foreign input: `python -m tests.fuzz TARGET --seconds 60 --corpus DIR`.

`targets` says what each part may do with any bytes at all; atheris (`__main__`) and hypothesis (the test beside it)
ask the same of it. It stands under tests, since it must import the parts: `loadtest` acts from outside only.
"""
