import Foundation
import StormKernel

/// Everything that one run leaves for later, in a folder named after the run: two runs never share one, whatever the folder
/// above is used for.
public struct ResultFolder: Sendable {
  /// The files in it. Those with the result are written when the run has ended, the others grow with it.
  public enum Part: String, CaseIterable, Sendable {
    case events = "events.jsonl"
    /// The calls, answers and tables, in the trace format.
    case trace = "trace.jsonl"
    /// The planned cases, one a line, there before the first of them runs.
    case cases = "cases.txt"
    /// What the terminal shows, with times.
    case log = "log.txt"
    case result = "result.json"
    case ktap = "result.ktap"
    case junit = "junit.xml"
  }

  public let path: String

  /// Makes the folder of a run below another one, which is made too where it is missing; `latest` points to it.
  public static func make(below parent: String, run: RunIdentifier) throws -> ResultFolder {
    let folder = ResultFolder(path: "\(parent)/\(run)")
    try FileManager.default.createDirectory(
      atPath: folder.path, withIntermediateDirectories: true)
    // A link is replaced whole by a rename; a plain folder of that name is somebody else's and stays.
    let staged = "\(parent)/.latest-\(run)"
    try? FileManager.default.createSymbolicLink(
      atPath: staged, withDestinationPath: run.description)
    if rename(staged, "\(parent)/latest") != 0 { unlink(staged) }
    return folder
  }

  private init(path: String) { self.path = path }

  /// A folder that an earlier run left; nil where the path is none.
  public init?(existing path: String) {
    var isFolder: ObjCBool = false
    guard FileManager.default.fileExists(atPath: path, isDirectory: &isFolder), isFolder.boolValue
    else { return nil }
    self.path = path
  }

  public func path(of part: Part) -> String { "\(path)/\(part.rawValue)" }

  /// Writes what is known once the run has ended.
  public func write(_ record: RunRecord) throws {
    try keep(RunDocument(record).data(), as: .result)
    try keep(Data(KTAP(record).text.utf8), as: .ktap)
    try keep(Data(JUnit(record).text.utf8), as: .junit)
  }

  /// Lists the planned cases, before the first of them runs.
  public func writeCases(_ began: BeganEvent) throws {
    try keep(Data((began.cases.joined(separator: "\n") + "\n").utf8), as: .cases)
  }

  private func keep(_ data: Data, as part: Part) throws(WholeFileError) {
    try WholeFile.write(data, to: path(of: part))
  }
}
