import CMount

/// Where a prepared program stands in the region: records, results, strings.
struct ProgramPlace {
  var operations: Int
  var results: Int
  var text: Int
  var count: Int

  /// Bytes that a program of this size takes, from an offset that is a multiple of 8.
  static func bytes(count: Int, textBytes: Int) -> Int {
    let records = count * (MemoryLayout<nss_op>.stride + MemoryLayout<nss_result>.stride)
    return (records + textBytes + 7) & ~7
  }

  /// Writes records and strings at `offset` of the region and marks every result as not run.
  init(records: [nss_op], text bytes: [UInt8], at offset: Int, base: UnsafeMutableRawPointer) {
    count = records.count
    operations = offset
    results = operations + count * MemoryLayout<nss_op>.stride
    text = results + count * MemoryLayout<nss_result>.stride
    records.withUnsafeBytes { source in
      if let start = source.baseAddress {
        (base + operations).copyMemory(from: start, byteCount: source.count)
      }
    }
    (base + results).assumingMemoryBound(to: nss_result.self).update(
      repeating: nss_result(
        start_nanoseconds: 0, end_nanoseconds: 0, error: Int32(NSS_NOT_RUN), value: 0),
      count: count)
    bytes.withUnsafeBytes { source in
      if let start = source.baseAddress {
        (base + text).copyMemory(from: start, byteCount: source.count)
      }
    }
  }

  func task(iterations: UInt32 = 1, cpu: Int32 = -1, flags: UInt32 = 0) -> nss_task {
    nss_task(
      operations: UInt64(operations), results: UInt64(results), text: UInt64(text),
      count: UInt32(count), iterations: iterations, cpu: cpu, flags: flags, priority: 0,
      reserved: 0)
  }
}
