"""Simulated BMCs and PDUs: servers of their protocols, with faults and replays."""
