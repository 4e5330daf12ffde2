// Opening and closing the dialog.
import { look, opened, resume, session, unread } from "./conversation";
import { keep } from "./kept";

/** Opens or closes the dialog, as the visitor or the page wishes. */
export function toggle(open: boolean, byVisitor = true): void {
  if (opened.value === open) return;
  toggle.byVisitor = byVisitor;
  opened.value = open;
  keep({ open });
  if (open) unread.value = 0;
  if (open && !session.value) void resume();
  else look();
}
/** Whether it was the visitor who opened it, and their focus follows; a page that is loaded anew keeps its own. */
toggle.byVisitor = true;
