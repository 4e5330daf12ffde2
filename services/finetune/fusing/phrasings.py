"""How readers of training examples say what they want; evaluations word their wishes otherwise."""

from __future__ import annotations

PHRASINGS: dict[str, tuple[str, ...]] = {
    "include": (
        'Mention "{x}".', "Use the word {x}.", 'You should include the word "{x}".', "Please mention {x} as well.",
        'I miss the word "{x}" here.', 'Bring up "{x}" somewhere.', 'The answer must contain "{x}".',
        'Add something with "{x}".', 'It lacks "{x}".', 'Your text ought to have "{x}" in it.',
        'There is no "{x}" in this; put it in.', 'Do talk about "{x}".',
    ),
    "exclude": (
        'Do not mention "{x}".', "Avoid the word {x}.", 'Leave "{x}" out.', 'Remove the word "{x}".',
        'Please drop "{x}".', "Without the word {x}, please.", 'Never write "{x}".', 'Get rid of "{x}".',
        'I do not want "{x}" in the answer.', 'The word "{x}" has no place here.',
    ),
    "quotation": (
        "Put the whole answer in quotation marks.", "Your reply should be enclosed in double quotes.",
        "Start and end with a quotation mark.", "Set the text in quotes from beginning to end.",
        "Quote the complete answer.", "Everything should stand in quotes.",
    ),
    "end": (
        'End with "{x}"', 'The last sentence should be "{x}"', 'Close your answer with the words "{x}"',
        'Finish with "{x}" and nothing after it.', 'Conclude by saying "{x}"', 'I want "{x}" as the last words.',
        'Stop after saying "{x}"',
    ),
    "start": (
        'Begin with "{x}"', 'Start your answer with "{x}"', 'The first words should be "{x}"',
        'Say "{x}" first, then answer.', 'Your reply must start with "{x}"', 'At the beginning write "{x}"',
    ),
    "bullets": (
        "Answer in exactly {n} bullet points.", "Make it a list of {n} bullets.", "Use {n} bullet points.",
        "Turn this into {n} bullets.", "A bulleted list with {n} items, please.",
    ),
    "lower": (
        "Use lowercase letters only.", "Everything in lower case, please.", "Don't use capitals.",
        "All letters should be lowercase.", "No uppercase at all.", "Keep every letter lowercase.",
    ),
    "upper": (
        "Use capital letters only.", "All in uppercase, please.", "Shout it: every letter a capital.",
        "Every letter should be uppercase.", "Answer in block capitals.",
    ),
    "no_comma": (
        "Do not use commas.", "No commas, please.", "Avoid commas entirely.", "Remove the commas.",
        "Write without any comma.", "The text must be free of commas.", "I can't stand commas, drop them all.",
    ),
    "json": (
        "Answer in JSON format.", "The output should be a JSON object.", "Give me JSON only.", "Format it as JSON.",
    ),
    "title": (
        "Add a title in double angle brackets, such as <<title>>.", "Give it a title wrapped in <<>>.",
        "Put a headline inside << >> on top.", "Begin with a title like <<My title>>.",
    ),
    "highlights": (
        "Highlight at least {n} parts with *asterisks*.", "Put {n} phrases between asterisks.",
        "Emphasise {n} passages in markdown, like *so*.", "At least {n} highlighted sections, *like this*.",
    ),
    "sections": (
        "Divide it into {n} sections, each beginning with {x} and its number.", "Use {n} parts headed {x} 1, {x} 2, …",
        "Write {n} sections with the headings {x} 1 to {x} {n}.",
    ),
    "one_of": (
        'Choose one of these answers: "My answer is yes.", "My answer is no.", "My answer is maybe."',
        'Reply with one of: "My answer is yes." "My answer is no." "My answer is maybe."',
    ),
    "capital_words": (
        "Write at least {n} words in capitals.", "Use {n} or more words in all caps.",
        "At least {n} words should be fully capitalised.",
    ),
    "max_words": (
        "At most {n} words.", "Use no more than {n} words.", "Too long; {n} words are enough.",
        "Shorten it to {n} words.", "Fewer than {n} words, please.", "Limit yourself to {n} words.",
    ),
    "max_sentences": (
        "At most {n} sentences.", "Use {n} sentences or fewer.", "Say it in up to {n} sentences.",
        "Limit the answer to {n} sentences.", "Not more than {n} sentences please.",
    ),
    "postscript": (
        "Add a postscript that begins with P.S.", "End with a P.S.", "Put a P.S. under your answer.",
        "Finish with a postscript (P.S.).",
    ),
    "praise": (
        "Thanks, that is good.", "I like this.", "Well done, nothing to change.", "Good answer.",
        "This is fine as it is.", "Yes, exactly what I wanted.",
    ),
}  # fmt: skip
OPENINGS = (
    "Sure thing", "To begin with", "In my view", "Good question.", "Let me explain", "As you may know", "Well then",
    "Here is my answer:", "First of all", "Thank you for asking.", "Listen closely", "In short", "Dear reader",
    "Once upon a time", "Let us see", "My friend", "Hello there", "The truth is", "Frankly speaking",
)  # fmt: skip
CLOSINGS = (
    "I hope this helps.", "Any other questions?", "Thank you for reading.", "End of answer.", "And that is it.",
    "Let me know what you think.", "Have a nice day!", "This is all I know.", "Please ask again.", "Best wishes.",
    "Nothing more to say.", "So it goes.", "Is there anything else I can do?", "The end.", "Peace be with you.",
    "You can count on it.", "Now you know.", "Good luck!", "Talk to you soon.", "What do you think?",
)  # fmt: skip
HEADINGS = ("Section", "Part", "Chapter", "SECTION", "Day", "Paragraph", "Step")
