import StormVocabulary

/// Which kernel a guest is to boot, as somebody wrote it.
public enum KernelChoice: Hashable, Sendable {
  /// A bzImage or a vmlinux.
  case file(String)
  case debian(DebianKernelVersion)

  /// Reads `debian:6.12.107`, `debian:6.12`, `debian:7.3.4-rt`, or a path. A bare version is Debian's, unless a file
  /// of that name stands there.
  public init(_ text: String, fileExists: (String) -> Bool) throws(FleetError) {
    if text.hasPrefix("debian:") {
      self = .debian(try DebianKernelVersion(String(text.dropFirst("debian:".count))))
    } else if fileExists(text) {
      self = .file(text)
    } else if let version = try? DebianKernelVersion(text) {
      self = .debian(version)
    } else {
      throw .badKernel(text, reason: "there is no such file")
    }
  }
}

extension KernelChoice: CustomStringConvertible {
  public var description: String {
    switch self {
    case .file(let path): path
    case .debian(let version): "debian:\(version)"
    }
  }
}

/// A version of Debian's kernel packages: `6.12` means its newest update.
public struct DebianKernelVersion: Hashable, Sendable {
  public var major: Int
  public var minor: Int
  public var patch: Int?
  public var flavour: Flavour

  /// The kernels that Debian builds for amd64.
  public enum Flavour: String, CaseIterable, Hashable, Sendable, Codable {
    /// Small, with virtio built in.
    case cloud
    case generic
    /// PREEMPT_RT.
    case realtime = "rt"

    /// The end of the package's name.
    var packageSuffix: String {
      switch self {
      case .cloud: "-cloud-amd64"
      case .generic: "-amd64"
      case .realtime: "-rt-amd64"
      }
    }
  }

  public init(major: Int, minor: Int, patch: Int?, flavour: Flavour = .cloud) {
    self.major = major
    self.minor = minor
    self.patch = patch
    self.flavour = flavour
  }

  /// Reads `6.12`, `6.12.107`, `7.3.4-rt`, `6.12.107-generic`.
  public init(_ text: String) throws(FleetError) {
    let parts = text.split(separator: "-", maxSplits: 1, omittingEmptySubsequences: false)
    let words = parts[0].split(separator: ".", omittingEmptySubsequences: false)
    let numbers = words.compactMap { $0.allSatisfy(\.isNumber) ? Int($0) : nil }
    guard (2...3).contains(words.count), numbers.count == words.count else {
      throw .badKernel(text, reason: "a version has two or three numbers")
    }
    var flavour = Flavour.cloud
    if parts.count == 2 {
      guard let named = Flavour(rawValue: String(parts[1])) else {
        let allowed = Flavour.allCases.map(\.rawValue).joined(separator: ", ")
        throw .badKernel(text, reason: "\"\(parts[1])\" is no flavour (\(allowed))")
      }
      flavour = named
    }
    self.init(
      major: numbers[0], minor: numbers[1], patch: numbers.count == 3 ? numbers[2] : nil,
      flavour: flavour)
  }

  func matches(_ release: KernelRelease) -> Bool {
    (major, minor) == (release.major, release.minor) && (patch == nil || patch == release.patch)
  }
}

extension DebianKernelVersion: CustomStringConvertible {
  public var description: String {
    "\(major).\(minor)" + (patch.map { ".\($0)" } ?? "")
      + (flavour == .cloud ? "" : "-\(flavour.rawValue)")
  }
}
