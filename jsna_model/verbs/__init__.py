"""The three verbs: estimate, project, compare. They orchestrate; formulae live in `jsna_model.methods`."""
