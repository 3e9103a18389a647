"""What several readers share: archives, grids of cells, documents, Arrow batches."""
