import Foundation
import StormKernel

/// What a machine holds between two rounds of a soak, when nothing of nsstorm runs.
public struct MachineMeasurement: Hashable, Sendable, Codable {
  /// Active objects of the slab of mounts; nil where it cannot be read.
  public var mountCache: Int?
  /// Mount namespaces that processes are in.
  public var namespaces: Int
  /// Slab, kernel stacks, page tables and per-CPU memory, in bytes.
  public var kernelBytes: Int
  /// Loop devices with a file behind them.
  public var loopDevices: Int

  public init(mountCache: Int?, namespaces: Int, kernelBytes: Int, loopDevices: Int) {
    self.mountCache = mountCache
    self.namespaces = namespaces
    self.kernelBytes = kernelBytes
    self.loopDevices = loopDevices
  }

  /// Reads them; some thousand processes take some 10 ms.
  public static func take() -> MachineMeasurement {
    let files = FileManager.default
    var namespaces: Set<String> = []
    for name in (try? files.contentsOfDirectory(atPath: "/proc")) ?? []
    where name.allSatisfy(\.isNumber) {
      if let link = try? files.destinationOfSymbolicLink(atPath: "/proc/\(name)/ns/mnt") {
        namespaces.insert(link)
      }
    }
    let loops = (try? files.contentsOfDirectory(atPath: "/sys/block")) ?? []
    return MachineMeasurement(
      mountCache: mountCache(
        inSlabinfo: (try? String(contentsOfFile: "/proc/slabinfo", encoding: .utf8)) ?? ""),
      namespaces: namespaces.count, kernelBytes: Sandbox.kernelMemoryBytes(),
      loopDevices: loops.count {
        $0.hasPrefix("loop") && files.fileExists(atPath: "/sys/block/\($0)/loop/backing_file")
      })
  }

  static func mountCache(inSlabinfo text: String) -> Int? {
    text.split(separator: "\n").first { $0.hasPrefix("mnt_cache ") }
      .flatMap { $0.split(separator: " ").dropFirst().first }.flatMap { Int($0) }
  }
}

/// What a soak measures from round to round.
public enum Growth: String, CaseIterable, Hashable, Sendable, Codable {
  case mountCache = "mount cache"
  case namespaces
  case kernelBytes = "kernel memory"
  case loopDevices = "loop devices"

  /// Growth a round below which nobody would call it a leak.
  var threshold: Double {
    switch self {
    case .mountCache: 1
    case .namespaces, .loopDevices: 0.1
    case .kernelBytes: 65_536
    }
  }

  func value(_ measurement: MachineMeasurement) -> Double? {
    switch self {
    case .mountCache: measurement.mountCache.map(Double.init)
    case .namespaces: Double(measurement.namespaces)
    case .kernelBytes: Double(measurement.kernelBytes)
    case .loopDevices: Double(measurement.loopDevices)
    }
  }
}

/// How something develops over rounds.
public struct Slope: Hashable, Sendable {
  /// The median growth from round to round (Theil and Sen): single outliers, such as caches that fill or are emptied, do not
  /// move it.
  public var perRound: Double
  /// How far the number of rising pairs is above chance, in standard deviations (Mann and Kendall).
  public var significance: Double

  /// Fewer rounds say nothing.
  public static let fewestRounds = 8
  private static let surely = 3.0

  public init?(_ values: [Double]) {
    guard values.count >= Self.fewestRounds else { return nil }
    var slopes: [Double] = []
    var score = 0.0
    for first in values.indices {
      for second in values.indices where second > first {
        slopes.append((values[second] - values[first]) / Double(second - first))
        score += values[second] > values[first] ? 1 : values[second] < values[first] ? -1 : 0
      }
    }
    slopes.sort()
    perRound = slopes[slopes.count / 2]
    let count = Double(values.count)
    significance = score / (count * (count - 1) * (2 * count + 5) / 18).squareRoot()
  }

  func isLeak(_ growth: Growth) -> Bool {
    perRound > growth.threshold && significance > Self.surely
  }

  /// What grows from round to round, beyond doubt.
  public static func leaks(in measurements: [MachineMeasurement]) -> [(Growth, Slope)] {
    Growth.allCases.compactMap { growth in
      let values = measurements.compactMap(growth.value)
      guard let slope = Slope(values), slope.isLeak(growth) else { return nil }
      return (growth, slope)
    }
  }
}
