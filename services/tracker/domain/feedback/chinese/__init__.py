"""Comments in Chinese, read by a grammar: each clause by the first rule that knows it.

Length is counted in characters (字), words stand without spaces, and what a verb is about goes to the clause's end. A
clause that no rule knows is reported as not understood.
"""

from services.tracker.domain.feedback.chinese.reading import read_chinese

__all__ = ["read_chinese"]
