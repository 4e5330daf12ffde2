"""Evidence: the parts of passages and facts that answer a message, how they are read and how they are quoted."""

from services.common.evidence.records import Answer, Evidence, Piece
from services.common.evidence.units import Unit, fact_unit, units_of

__all__ = ["Answer", "Evidence", "Piece", "Unit", "fact_unit", "units_of"]
