// Names in the bundle follow their order, not their path, so that every checkout builds the same bytes.
module.exports = { optimization: { moduleIds: 'natural', chunkIds: 'natural' } };
