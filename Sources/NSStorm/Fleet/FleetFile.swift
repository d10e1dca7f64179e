import StormKernel

/// Writes a file whole; what fails is an error of the fleet.
func writeWhole(_ bytes: some Sequence<UInt8>, to path: String) throws(FleetError) {
  do {
    try WholeFile.write(bytes, to: path)
  } catch {
    throw .system(attempt: "\(error.step) \(error.path)", reason: "\(error.errno)")
  }
}
