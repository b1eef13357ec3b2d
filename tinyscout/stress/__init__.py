"""Leads made to trick a model, and the check that says which model they trick.

The room may ask the oracle (leads/oracle.py) for the truth about an edited lead; no model may. What an attack may do is
data in threat.py, the written attacks are in seen.py and held_out.py.
"""
