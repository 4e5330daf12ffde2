"""Names of `services.common.constraints` under an older path."""

from services.common.constraints import check, verifiable

__all__ = ["check", "verifiable"]
