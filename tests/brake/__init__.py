"""The brake: freeze, rollback and triggers, with every file of state in every way of being broken."""
