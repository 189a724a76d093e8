"""What there is to know about this machine."""

from __future__ import annotations

import os


def memory() -> tuple[int, int]:
    """Free and total memory in bytes; where the system does not tell what is free, all of it."""
    page, total = os.sysconf("SC_PAGE_SIZE"), os.sysconf("SC_PHYS_PAGES")
    free = os.sysconf("SC_AVPHYS_PAGES") if "SC_AVPHYS_PAGES" in os.sysconf_names else total
    return free * page, total * page
