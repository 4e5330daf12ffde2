"""English words for numbers: what a message, a document or a fact may say in the place of digits."""

UNITS = (
    "zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen"
    " seventeen eighteen nineteen"
).split()
TENS = "twenty thirty forty fifty sixty seventy eighty ninety".split()
NUMBER_WORDS = {word: i for i, word in enumerate(UNITS)} | {word: 20 + 10 * i for i, word in enumerate(TENS)}
"""The number of each word from "zero" to "nineteen", and of the tens up to "ninety"."""
TO_HUNDRED = NUMBER_WORDS | {"hundred": 100}
"""The same and "hundred"."""
