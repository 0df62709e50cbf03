"""One GraphQL endpoint over every configured backend; it knows no vendor by name."""
