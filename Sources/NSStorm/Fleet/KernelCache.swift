import Foundation
public import StormVocabulary

/// A kernel on the host's disk, ready to boot.
public struct BootableKernel: Hashable, Sendable, Codable {
  /// How it was asked for: `debian:6.12.107` or a path.
  public var label: String
  /// The image's path.
  public var image: String
  /// Files of modules, in the order in which they are to be loaded.
  public var modules: [String]
  /// The package and version it comes from; nil for somebody's own file.
  public var package: String?

  public init(label: String, image: String, modules: [String] = [], package: String? = nil) {
    self.label = label
    self.image = image
    self.modules = modules
    self.package = package
  }
}

/// Kernels fetched from Debian, one folder for each: `vmlinuz`, `config`, `modules/NNN-name.ko` and `kernel.json`.
public struct KernelCache: Sendable {
  /// The folder of the whole cache; `apt` and `kernels` stand in it.
  public let folder: String
  private let apt: PrivateApt

  /// Modules that a guest needs to talk to the host, and those that storms use; what is built in is not missed.
  static let wantedModules =
    KernelModule.ofTheLine + ["loop", "overlay", "fuse", "ext4", "xfs"]
  private static let unpackLimitSeconds = 300

  public init(folder: String, mirror: String? = nil) {
    self.folder = folder
    apt =
      mirror.map { PrivateApt(folder: "\(folder)/apt", mirror: $0) }
      ?? PrivateApt(folder: "\(folder)/apt")
  }

  /// `NSSTORM_CACHE`, or `nsstorm` in `XDG_CACHE_HOME` or `~/.cache`.
  public static func defaultFolder(environment: [String: String]) -> String {
    func value(_ key: String) -> String? { environment[key].flatMap { $0.isEmpty ? nil : $0 } }
    if let folder = value("NSSTORM_CACHE") { return folder }
    if let folder = value("XDG_CACHE_HOME") { return folder + "/nsstorm" }
    return (value("HOME") ?? "/root") + "/.cache/nsstorm"
  }

  /// The kernel that is meant, fetched when the cache has not got it.
  ///
  /// - Parameter say: gets a line for each step that takes time.
  public func kernel(_ choice: KernelChoice, say: (String) -> Void) throws(FleetError)
    -> BootableKernel
  {
    switch choice {
    case .file(let path):
      guard FileManager.default.isReadableFile(atPath: path) else {
        throw .badKernel(path, reason: "the file cannot be read")
      }
      return BootableKernel(label: path, image: path)
    case .debian(let version):
      if version.patch != nil, let kernel = stored(version) { return kernel }
      let package = try self.package(version, say: say)
      guard let release = package.release else {
        throw .damaged(file: package.name, reason: "no version in \(package.version)")
      }
      let exact = DebianKernelVersion(
        major: release.major, minor: release.minor, patch: release.patch,
        flavour: version.flavour)
      if let kernel = stored(exact) { return kernel }
      say("fetching \(package.name) \(package.version) from Debian")
      return try fetch(package, as: exact, say: say)
    }
  }

  /// Every kernel image that Debian's suites have, newest last.
  public func available(_ flavour: DebianKernelVersion.Flavour, say: (String) -> Void)
    throws(FleetError) -> [KernelRelease]
  {
    if !apt.isFresh {
      say("fetching Debian's package lists")
      try apt.update()
    }
    let images = try apt.kernelImages().filter { $0.isImage(of: flavour) }
    return Set(images.compactMap(\.release)).sorted()
  }

  private func package(_ version: DebianKernelVersion, say: (String) -> Void) throws(FleetError)
    -> DebianPackage
  {
    if apt.isFresh, let found = try? DebianPackage.choose(version, from: apt.kernelImages()) {
      return found
    }
    say("fetching Debian's package lists")
    try apt.update()
    return try DebianPackage.choose(version, from: apt.kernelImages())
  }

  private func place(_ version: DebianKernelVersion) -> String {
    "\(folder)/kernels/debian-\(version)"
  }

  private func stored(_ version: DebianKernelVersion) -> BootableKernel? {
    let place = place(version)
    guard let data = FileManager.default.contents(atPath: "\(place)/kernel.json"),
      var kernel = try? JSONDecoder().decode(BootableKernel.self, from: data)
    else { return nil }
    kernel.image = "\(place)/\(kernel.image)"
    kernel.modules = kernel.modules.map { "\(place)/\($0)" }
    guard ([kernel.image] + kernel.modules).allSatisfy(FileManager.default.isReadableFile) else {
      return nil
    }
    return kernel
  }

  // Everything happens in a folder beside the place, which is renamed when it is whole: a kernel in the cache is
  // complete, whenever the fetching was interrupted.
  private func fetch(
    _ package: DebianPackage, as version: DebianKernelVersion, say: (String) -> Void
  ) throws(FleetError) -> BootableKernel {
    let files = FileManager.default
    let place = place(version)
    let staging = "\(place).staging-\(ProcessInfo.processInfo.processIdentifier)"
    defer { try? files.removeItem(atPath: staging) }
    var parts = package.imageParts
    // Suites drop the modules of older kernels before the images; cloud kernels boot without.
    for part in package.moduleParts {
      if try apt.has(part, version: package.version) {
        parts.append(part)
      } else {
        say("\(part) is in no suite any more; the guest goes without modules")
      }
    }
    let kernel: BootableKernel
    do {
      try? files.removeItem(atPath: staging)
      for part in ["packages", "tree", "kernel/modules"] {
        try files.createDirectory(
          atPath: "\(staging)/\(part)", withIntermediateDirectories: true)
      }
      try apt.download(parts, version: package.version, into: "\(staging)/packages")
      for archive in try files.contentsOfDirectory(atPath: "\(staging)/packages").sorted() {
        _ = try HostCommand(
          path: try HostCommand.path(of: "dpkg-deb", package: "dpkg"),
          arguments: ["-x", "\(staging)/packages/\(archive)", "\(staging)/tree"],
          limitSeconds: Self.unpackLimitSeconds
        ).run()
      }
      kernel = try collect(from: "\(staging)/tree", into: "\(staging)/kernel", package, version)
      let encoder = JSONEncoder()
      encoder.outputFormatting = [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes]
      try encoder.encode(kernel).write(to: URL(fileURLWithPath: "\(staging)/kernel/kernel.json"))
      try? files.removeItem(atPath: place)
      try files.moveItem(atPath: "\(staging)/kernel", toPath: place)
    } catch let error as FleetError {
      throw error
    } catch {
      throw .system(
        attempt: "unpack \(package.name) in \(staging)", reason: error.localizedDescription)
    }
    guard let stored = stored(version) else {
      throw .damaged(file: place, reason: "not readable after unpacking")
    }
    return stored
  }

  private func collect(
    from tree: String, into target: String, _ package: DebianPackage,
    _ version: DebianKernelVersion
  ) throws -> BootableKernel {
    let files = FileManager.default
    // Since 7.x the image stands with its modules; before, in /boot.
    let all = files.enumerator(atPath: tree)?.compactMap { $0 as? String }.sorted() ?? []
    func isImage(_ path: String) -> Bool {
      let name = path.split(separator: "/").last ?? ""
      return name.hasPrefix("vmlinuz")
    }
    guard let image = all.first(where: isImage) else {
      throw FleetError.damaged(file: package.name, reason: "it holds no vmlinuz")
    }
    try files.copyItem(atPath: "\(tree)/\(image)", toPath: "\(target)/vmlinuz")
    if let config = all.first(where: { $0.contains("boot/config-") || $0.hasSuffix("/config") }) {
      try files.copyItem(atPath: "\(tree)/\(config)", toPath: "\(target)/config")
    }
    var paths: [String: String] = [:]
    for path in all where path.contains(".ko") && path.contains("/kernel/") {
      paths[KernelModule.name(ofFile: path)] = "\(tree)/\(path)"
    }
    var contents: [String: [UInt8]] = [:]
    let order = try KernelModule.loadOrder(Self.wantedModules) { name throws(FleetError) in
      guard let path = paths[name] else { return nil }
      let bytes = try KernelModule.unpacked(path)
      contents[name] = bytes
      return KernelModule.dependencies(of: bytes) ?? []
    }
    var modules: [String] = []
    for (number, name) in order.enumerated() {
      let digits = String(number + 100).dropFirst()
      let file = "modules/\(digits)-\(name).ko"
      try Data(contents[name] ?? []).write(to: URL(fileURLWithPath: "\(target)/\(file)"))
      modules.append(file)
    }
    return BootableKernel(
      label: "debian:\(version)", image: "vmlinuz", modules: modules,
      package: "\(package.name) \(package.version)")
  }
}
