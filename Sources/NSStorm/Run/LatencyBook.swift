import Histogram
import StormKernel
import StormVocabulary

/// Collects how long calls take inside the kernel, by what they do. Calls that fail are one kind: most are refused
/// before they touch a mount.
struct LatencyBook {
  private var histograms: [String: Histogram<UInt32>] = [:]

  private static let failed = "calls that failed"

  mutating func record(_ operation: Operation, _ record: CallRecord) {
    let kind = record.errno == .none ? operation.timedKind : Self.failed
    let nanoseconds = record.endNanoseconds &- record.startNanoseconds
    histograms[kind, default: Histogram(numberOfSignificantValueDigits: .two)].record(nanoseconds)
  }

  /// One for each kind, the most frequent first.
  var summaries: [LatencySummary] {
    histograms.map { Self.summary(of: $0.value, as: $0.key) }
      .sorted { ($1.count, $0.what) < ($0.count, $1.what) }
  }

  static func summary(of histogram: Histogram<UInt32>, as what: String) -> LatencySummary {
    var counts: [UInt64: Int] = [:]
    for value in histogram.recordedValues() {
      counts[LatencySummary.bound(of: value.value), default: 0] += Int(value.count)
    }
    return LatencySummary(
      what: what, count: Int(histogram.totalCount), minimumNanoseconds: histogram.min,
      meanNanoseconds: UInt64(max(0, histogram.mean)), medianNanoseconds: histogram.median,
      p90Nanoseconds: histogram.valueAtPercentile(90),
      p99Nanoseconds: histogram.valueAtPercentile(99), maximumNanoseconds: histogram.max,
      buckets: counts.sorted { $0.key < $1.key }
        .map { .init(upToNanoseconds: $0.key, count: $0.value) })
  }
}

extension Operation {
  /// Calls of one name can do work of very different size; this tells them apart.
  fileprivate var timedKind: String {
    switch self {
    case .mount(let call):
      if call.flags.contains(.remount) { return "mount (remount)" }
      if call.flags.contains(.move) { return "mount (move)" }
      if call.flags.contains(.bind) {
        return call.flags.contains(.recursive) ? "mount (rbind)" : "mount (bind)"
      }
      let types: MountFlags = [.shared, .private, .slave, .unbindable]
      return call.flags.isDisjoint(with: types) ? "mount (new)" : "mount (propagation)"
    case .umount2(_, let flags): return flags.contains(.detach) ? "umount2 (detach)" : "umount2"
    default: return name
    }
  }
}
