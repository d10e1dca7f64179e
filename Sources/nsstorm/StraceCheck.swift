import Foundation
import StormKernel
import StormTrace
import StormVocabulary

/// `nsstorm check --strace`: the output of strace against the engine.
struct StraceCheck {
  var files: [String]
  var table: String?
  var workingDirectory: String?
  var rules: String?
  var json: Bool
  var strict: Bool
  var all: Bool

  func run() throws {
    var worst = ExitStatus.agreed
    for file in files {
      let status = try check(file)
      if Self.severity(status) > Self.severity(worst) { worst = status }
    }
    if worst != .agreed { throw worst.exitCode }
  }

  private static func severity(_ status: ExitStatus) -> Int {
    switch status {
    case .agreed: 0
    case .nothingChecked: 1
    case .diverged: 2
    default: 3
    }
  }

  private func check(_ file: String) throws -> ExitStatus {
    let history: StraceHistory
    do throws(TraceError) {
      history = try StraceReader.read(file)
    } catch {
      throw CommandFailure(status: .badInput, message: "\(error)")
    }
    let release: KernelRelease
    if let rules, let named = KernelRelease(release: rules) {
      release = named
    } else if let kernel = history.kernel,
      let named = KernelRelease(release: kernel, build: history.build ?? "")
    {
      release = named
    } else {
      release = try PredictedKernel.release()
    }
    _ = try PredictedKernel.rules(for: release)
    let (initial, origin) = try firstTable(history)
    var options = ImportCheck.Options(
      release: release, initialTable: initial, initialTableOrigin: origin,
      workingDirectory: workingDirectory)
    // What nsstorm recorded ran in a sandbox of its own.
    options.hasOutsiders = history.initialTable == nil
    let report = ImportReport(
      verdict: ImportCheck(history, options).run(), isStrict: strict, listsAll: all)
    print(json ? try report.json : report.text)
    return report.status
  }

  private func firstTable(_ history: StraceHistory) throws -> (MountTable, String) {
    guard let path = table else {
      if let own = history.initialTable { return (own, "in the file") }
      return (AssumedTable.table, AssumedTable.origin)
    }
    guard let bytes = FileManager.default.contents(atPath: path) else {
      throw CommandFailure(status: .badInput, message: "\(path): cannot be read")
    }
    do throws(MountinfoError) {
      return (try MountTable(mountinfo: String(decoding: bytes, as: UTF8.self)), path)
    } catch {
      throw CommandFailure(
        status: .badInput,
        message: "\(path):\(error.line): \(error); /proc/PID/mountinfo is allowed")
    }
  }
}
