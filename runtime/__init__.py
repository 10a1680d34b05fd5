"""The manners that every process shares."""
