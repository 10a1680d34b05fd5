"""Draws garments: shapes, cloth, light, and one room for each kind."""
