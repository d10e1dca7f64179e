// Reclamation
