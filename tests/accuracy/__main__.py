"""Print the errors of each model; with `--write`, put them into docs/energy.md."""

import sys

from tests.accuracy.table import PAGE, filled, table

if "--write" in sys.argv:
    PAGE.write_text(filled(PAGE.read_text(), table()))
else:
    print(table())
