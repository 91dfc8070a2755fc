"""A step cell written from an ordinary one."""
