"""What is asked, before anything is executed: documents, made ready once, and what their operations may cost."""
