import StormReclamation

/// What `nsstorm simulate` prints, as text and as JSON.
enum SimulationReport {
  struct Quantiles: Encodable {
    var p50: Double
    var p90: Double
    var p99: Double
    var max: Double

    init(_ sorted: [Double]) {
      p50 = SimulationResult.quantile(0.5, of: sorted)
      p90 = SimulationResult.quantile(0.9, of: sorted)
      p99 = SimulationResult.quantile(0.99, of: sorted)
      max = sorted.last ?? 0
    }

    var cells: [String] { [p50, p90, p99, max].map(BacklogPlot.duration) }
  }

  struct Row: Encodable {
    var design: String
    var fileSystem: String
    var calibration: String
    var seed: UInt64
    var calls: Int
    var mounts: Int
    var callNanoseconds: Quantiles
    var deathNanoseconds: Quantiles
    var maximumBacklog: Int
    var expeditedGracePeriods: Int
    var normalGracePeriods: Int
    var totalNanoseconds: Double
    var workerBusyShare: Double
    var innocentNanoseconds: Double
    var backlog: [SimulationResult.BacklogPoint]

    init(_ result: SimulationResult) {
      let parameters = result.parameters
      design = parameters.design.name
      fileSystem = parameters.fileSystem
      calibration = parameters.calibration.origin
      seed = parameters.seed
      calls = result.calls
      mounts = result.mounts
      callNanoseconds = Quantiles(result.callNanoseconds)
      deathNanoseconds = Quantiles(result.deathNanoseconds)
      maximumBacklog = result.maximumBacklog
      expeditedGracePeriods = result.expeditedGracePeriods
      normalGracePeriods = result.normalGracePeriods
      totalNanoseconds = result.endNanoseconds
      workerBusyShare =
        result.endNanoseconds > 0
        ? (result.workerBusyNanoseconds + result.delayedBusyNanoseconds) / result.endNanoseconds
        : 0
      innocentNanoseconds = result.innocentNanoseconds
      backlog = result.backlog
    }
  }

  static func table(_ rows: [Row]) -> String {
    guard let first = rows.first else { return "" }
    var lines = [
      "\(first.calls) calls, \(first.mounts) mounts, \(first.fileSystem), seed \(first.seed), "
        + first.calibration
    ]
    let heads = [
      "design", "call p50", "p90", "p99", "max", "dead p50", "p90", "p99", "max", "backlog",
      "GP exp", "GP norm", "total", "deferred busy", "innocent",
    ]
    var cells = [heads]
    for row in rows {
      cells.append(
        [row.design] + row.callNanoseconds.cells + row.deathNanoseconds.cells + [
          "\(row.maximumBacklog)", "\(row.expeditedGracePeriods)", "\(row.normalGracePeriods)",
          BacklogPlot.duration(row.totalNanoseconds),
          "\((row.workerBusyShare * 100).rounded() / 100)",
          BacklogPlot.duration(row.innocentNanoseconds),
        ])
    }
    let widths = heads.indices.map { column in cells.map { $0[column].count }.max() ?? 0 }
    for row in cells {
      let padded = zip(row, widths).map { ExploreReport.pad($0, $1) }
      let line = padded.joined(separator: "  ")
      lines.append(String(line.reversed().drop { $0 == " " }.reversed()))
    }
    return lines.joined(separator: "\n")
  }

  struct PublishedRow: Encodable {
    var name: String
    var source: String
    var publishedNanoseconds: [Double]
    var simulatedNanoseconds: [Double]
    var publishedRatio: Double
    var simulatedRatio: Double

    init(_ figure: PublishedFigure) {
      name = figure.name
      source = figure.source
      publishedNanoseconds = [figure.without, figure.with]
      simulatedNanoseconds = [figure.simulatedWithout, figure.simulatedWith]
      publishedRatio = figure.publishedRatio
      simulatedRatio = figure.simulatedRatio
    }

    var text: String {
      func pair(_ values: [Double]) -> String {
        values.map(BacklogPlot.duration).joined(separator: " -> ")
      }
      func ratio(_ value: Double) -> String { "\((value * 100).rounded() / 100)x" }
      return """
        \(name) (\(source))
          published \(pair(publishedNanoseconds)), \(ratio(publishedRatio))
          simulated \(pair(simulatedNanoseconds)), \(ratio(simulatedRatio))
        """
    }
  }
}
