import Foundation

/// The first file system of a guest: nsstorm with its libraries, profiles, modules, and what to do.
public struct GuestImage: Sendable {
  /// The program to run; the running one by default.
  public var program: String
  /// Arguments of the program in the guest; `@trace@` and `@result@` stand for files that are brought back.
  public var arguments: [String]
  /// Files for `/profiles`, by their names there.
  public var profiles: [(name: String, content: [UInt8])]
  /// Further files, by their absolute paths in the guest.
  public var files: [(path: String, content: [UInt8])] = []
  /// Files of the kernel's modules, in the order in which they are to be loaded.
  public var modules: [String] = []
  /// Whether what runs uses file systems and block devices; where not, their modules are left out, because xfs alone
  /// takes an emulated guest seconds to load.
  public var usesFileSystems = true

  /// Stands among ``arguments`` for the file of the trace, which reaches the host as it is written.
  public static let trace = GuestJob.tracePlaceholder
  /// Stands among ``arguments`` for the file of the result, which reaches the host at the end.
  public static let result = GuestJob.resultPlaceholder

  private static let mostProgramBytes = 512 << 20

  public init(
    program: String, arguments: [String], profiles: [(name: String, content: [UInt8])]
  ) {
    self.program = program
    self.arguments = arguments
    self.profiles = profiles
  }

  /// Every profile of some folders, and every scenario below them; the first folder that has a name wins.
  public static func profiles(in folders: [String]) -> [(name: String, content: [UInt8])] {
    var found: [String: [UInt8]] = [:]
    for folder in folders {
      let names = (try? FileManager.default.contentsOfDirectory(atPath: folder)) ?? []
      for name in names.sorted() where name.hasSuffix(".yaml") && found[name] == nil {
        if let data = FileManager.default.contents(atPath: "\(folder)/\(name)") {
          found[name] = Array(data)
        }
      }
      let scenarios =
        (try? FileManager.default.contentsOfDirectory(atPath: "\(folder)/scenarios")) ?? []
      for name in scenarios.sorted() where name.hasSuffix(".scenario") {
        if found["scenarios/\(name)"] == nil,
          let data = FileManager.default.contents(atPath: "\(folder)/scenarios/\(name)")
        {
          found["scenarios/\(name)"] = Array(data)
        }
      }
    }
    return found.sorted { $0.key < $1.key }.map { (name: $0.key, content: $0.value) }
  }

  /// The whole archive.
  func archive() throws(FleetError) -> [UInt8] {
    var archive = CPIOArchive()
    for folder in ["dev", "proc", "sys", "tmp", "run", "root"] { archive.add(directory: folder) }
    archive.add(characterDevice: "/dev/console", major: 5, minor: 1)
    archive.add(characterDevice: "/dev/null", major: 1, minor: 3, permissions: 0o666)
    archive.add(
      file: GuestJob.program, permissions: 0o755, content: try content(ofHostFile: program))
    for library in try SharedLibraries.needed(by: program) {
      archive.add(file: library, permissions: 0o755, content: try content(ofHostFile: library))
    }
    for profile in profiles {
      archive.add(file: "\(GuestJob.profiles)/\(profile.name)", content: profile.content)
    }
    for file in files { archive.add(file: file.path, content: file.content) }
    var modulePaths: [String] = []
    for module in usesFileSystems ? modules : try KernelModule.filesOfTheLine(modules) {
      let path = "/modules/\(KernelModule.name(ofFile: module)).ko"
      archive.add(file: path, content: try KernelModule.unpacked(module))
      modulePaths.append(path)
    }
    do {
      let job = try JSONEncoder().encode(GuestJob(arguments: arguments, modules: modulePaths))
      archive.add(file: GuestJob.path, content: Array(job))
    } catch {
      throw .system(attempt: "write the guest's job", reason: "\(error)")
    }
    archive.finish()
    return archive.bytes
  }

  private func content(ofHostFile path: String) throws(FleetError) -> [UInt8] {
    guard let data = FileManager.default.contents(atPath: path) else {
      throw .damaged(file: path, reason: "it cannot be read")
    }
    guard data.count <= Self.mostProgramBytes else {
      throw .damaged(file: path, reason: "\(data.count) bytes; no guest has room for it")
    }
    return Array(data)
  }
}
