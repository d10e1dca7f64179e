import StormKernel

/// Writes a file that the user named, whole.
func write(_ bytes: some Sequence<UInt8>, to path: String) throws(CommandFailure) {
  do {
    try WholeFile.write(bytes, to: path)
  } catch {
    throw CommandFailure(
      status: .harnessFailed, message: "\(error); name a file in a folder that exists")
  }
}

/// Writes a text file that the user named, whole.
func write(_ text: String, to path: String) throws(CommandFailure) {
  try write(text.utf8, to: path)
}
