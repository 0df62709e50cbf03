"""HTTP: the GraphQL endpoint and what is served beside it."""
