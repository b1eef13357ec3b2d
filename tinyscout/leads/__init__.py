"""Leads: reading exports into tables of contacts and signals, as of the moment of contact."""
