"""``python -m services.gateway migrate``, for the Job before and after an upgrade."""

from __future__ import annotations

from services.common.errors import AntiphonError
from services.common.store import DATABASE_AWAY, Store
from services.common.store.migrations import form_of, migrate
from services.gateway.settings import GatewaySettings


def bring_up_to_date(settings: GatewaySettings, *, stopped: bool) -> None:
    """Bring the documents into this release's form and make its indexes; exits with a message if that must not be."""
    store = Store(settings, name="antiphon-migration", pool=2)
    try:
        before = form_of(store.connection)
        changed = migrate(store.connection, stopped=stopped)
        store.prepare()
        form = form_of(store.connection)
    except (AntiphonError, *DATABASE_AWAY) as error:
        raise SystemExit(f"not migrated: {error}") from error
    finally:
        store.close()
    print(f"form {form.version} (was {before.version}); {sum(changed.values())} documents changed")
