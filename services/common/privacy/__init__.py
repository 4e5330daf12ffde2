"""Personal data in texts: what it is, where it stands, and how it is masked.

`findings` finds it by patterns of our own, with check digits where there are any; `Masker` puts marks such as
``<PHONE_1>`` in its place, which keep the kind and stay the same within a dialogue. What a service speaks of (prices,
order numbers, opening hours, freephone numbers) is none. A name counts where it is introduced ("my name is …", 我叫…).
"""

from __future__ import annotations

from services.common.privacy.finding import KINDS, Finding, findings
from services.common.privacy.masking import Masker, has_mark, masked

__all__ = ["KINDS", "Finding", "Masker", "findings", "has_mark", "masked"]
