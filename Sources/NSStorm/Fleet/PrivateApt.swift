import Foundation
import StormKernel

/// Debian's packages through apt with a configuration and a state of its own: the machine's lists, its cache and its
/// installed packages are neither read nor changed.
public struct PrivateApt: Sendable {
  let folder: String
  let mirror: String

  private static let suites: [(archive: String, suite: String)] = [
    ("debian", "bullseye"), ("debian-security", "bullseye-security"),
    ("debian", "bookworm"), ("debian", "bookworm-updates"), ("debian", "bookworm-backports"),
    ("debian-security", "bookworm-security"),
    ("debian", "trixie"), ("debian", "trixie-updates"), ("debian", "trixie-backports"),
    ("debian-security", "trixie-security"),
    ("debian", "forky"), ("debian", "sid"), ("debian", "experimental"),
  ]
  private static let keyring = "/usr/share/keyrings/debian-archive-keyring.gpg"
  private static let updateLimitSeconds = 300
  private static let downloadLimitSeconds = 600
  private static let queryLimitSeconds = 60

  /// - Parameters:
  ///   - folder: where lists and configuration are kept.
  ///   - mirror: `http://host`, above `/debian` and `/debian-security`.
  public init(folder: String, mirror: String = "http://deb.debian.org") {
    self.folder = folder
    self.mirror = mirror
  }

  /// Fetches the package lists of all suites.
  public func update() throws(FleetError) {
    try configure()
    _ = try apt("apt-get", ["-q", "update"], limitSeconds: Self.updateLimitSeconds)
    try write(stamp, "")
  }

  /// Whether lists were fetched within the last day.
  public var isFresh: Bool {
    let attributes = try? FileManager.default.attributesOfItem(atPath: stamp)
    guard let date = attributes?[.modificationDate] as? Date else { return false }
    return date.timeIntervalSinceNow > -86_400
  }

  /// All kernel images of all suites.
  public func kernelImages() throws(FleetError) -> [DebianPackage] {
    let found = try apt(
      "apt-cache", ["--names-only", "search", "^linux-image-[0-9].*-amd64$"],
      limitSeconds: Self.queryLimitSeconds)
    let names = String(decoding: found, as: UTF8.self).split(separator: "\n").compactMap {
      $0.split(separator: " ").first.map(String.init)
    }
    guard !names.isEmpty else { return [] }
    let records = try apt(
      "apt-cache", ["show"] + names.sorted(), limitSeconds: Self.queryLimitSeconds)
    return DebianPackage.records(of: String(decoding: records, as: UTF8.self))
  }

  /// Whether a suite still has a package in that version.
  func has(_ name: String, version: String) throws(FleetError) -> Bool {
    let output: [UInt8]
    do {
      output = try apt("apt-cache", ["show", name], limitSeconds: Self.queryLimitSeconds)
    } catch .toolFailed {
      return false
    }
    return DebianPackage.records(of: String(decoding: output, as: UTF8.self)).contains {
      $0.version == version
    }
  }

  /// Downloads packages of one version into a folder. apt checks their hashes against the signed lists.
  func download(_ names: [String], version: String, into target: String) throws(FleetError) {
    let shell = try HostCommand.path(of: "sh", package: "dash")
    let tool = try HostCommand.path(of: "apt-get", package: "apt")
    let script = "cd \"$1\" && shift && exec \"$@\""
    _ = try HostCommand(
      path: shell,
      arguments: ["-c", script, "sh", target, tool, "-q", "download"]
        + names.map { "\($0)=\(version)" },
      environment: environment, limitSeconds: Self.downloadLimitSeconds
    ).run()
  }

  private var stamp: String { "\(folder)/updated" }
  private var configuration: String { "\(folder)/apt.conf" }
  private var environment: [String] {
    var lines = [
      "PATH=/usr/sbin:/usr/bin:/sbin:/bin", "LC_ALL=C.UTF-8", "APT_CONFIG=\(configuration)",
    ]
    for (key, value) in ProcessInfo.processInfo.environment.sorted(by: { $0.key < $1.key })
    where key.lowercased().hasSuffix("_proxy") {
      lines.append("\(key)=\(value)")
    }
    return lines
  }

  private func apt(_ tool: String, _ arguments: [String], limitSeconds: Int) throws(FleetError)
    -> [UInt8]
  {
    try HostCommand(
      path: try HostCommand.path(of: tool, package: "apt"), arguments: arguments,
      environment: environment, limitSeconds: limitSeconds
    ).run()
  }

  private func configure() throws(FleetError) {
    guard FileManager.default.fileExists(atPath: Self.keyring) else {
      throw .toolMissing(Self.keyring, package: "debian-archive-keyring")
    }
    for part in ["lists/partial", "archives/partial", "etc/preferences.d", "etc/apt.conf.d"] {
      do {
        try FileManager.default.createDirectory(
          atPath: "\(folder)/\(part)", withIntermediateDirectories: true)
      } catch {
        throw .system(attempt: "make \(folder)/\(part)", reason: error.localizedDescription)
      }
    }
    try write("\(folder)/status", "")
    try write(
      "\(folder)/etc/sources.list",
      Self.suites.map { archive, suite in
        "deb [signed-by=\(Self.keyring)] \(mirror)/\(archive) \(suite) main\n"
      }.joined())
    // Old suites are no longer renewed, so their lists may be past their date; they are still signed.
    try write(
      configuration,
      """
      Dir "\(folder)";
      Dir::Etc "\(folder)/etc";
      Dir::Etc::parts "\(folder)/etc/apt.conf.d";
      Dir::State "\(folder)";
      Dir::State::lists "\(folder)/lists";
      Dir::State::status "\(folder)/status";
      Dir::Cache "\(folder)";
      Dir::Cache::archives "\(folder)/archives";
      Dir::Log "\(folder)";
      APT::Architecture "amd64";
      APT::Architectures { "amd64"; };
      APT::Sandbox::User "root";
      Acquire::Languages "none";
      Acquire::Check-Valid-Until "false";
      Acquire::Retries "3";
      Acquire::http::Timeout "30";

      """)
  }

  private func write(_ path: String, _ text: String) throws(FleetError) {
    do {
      try WholeFile.write(text, to: path)
    } catch {
      throw .system(attempt: "write \(path)", reason: "\(error.errno)")
    }
  }
}
