"""Leads: reading exports into tables of contacts and signals, as of the moment of contact."""

from tinyscout.leads.account import Account
from tinyscout.leads.field_map import FieldMap
from tinyscout.leads.reader import iter_tables, read_tables
from tinyscout.leads.schema import Schema
from tinyscout.leads.tables import LeadTables

__all__ = ["Account", "FieldMap", "LeadTables", "Schema", "iter_tables", "read_tables"]
