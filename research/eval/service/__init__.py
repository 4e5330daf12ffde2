"""How the whole product serves a company's customers: right, or honestly not."""
