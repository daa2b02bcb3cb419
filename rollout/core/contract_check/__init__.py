"""Every mistake of a contract, found before a release starts."""
