import Foundation

/// Where profiles are found: a folder named by `NSSTORM_PROFILES`, the clone that the binary was built in, and what was
/// installed beside the binary.
public struct ProfileLibrary: Sendable {
  /// Folders in the order in which they are searched.
  public let folders: [String]

  /// A profile is a page of text; a larger file is something else.
  private static let mostBytes = 1 << 20

  public init(folders: [String]) {
    self.folders = folders
  }

  /// - Parameters:
  ///   - environment: the process's environment; `NSSTORM_PROFILES` is the only variable looked at.
  ///   - executable: the path of the running binary; the nearest folder above it that holds both
  ///     `Package.swift` and `profiles` is its clone; `../share/nsstorm/profiles` is where `ci/install` puts them.
  public init(environment: [String: String], executable: String) {
    var folders: [String] = []
    if let folder = environment["NSSTORM_PROFILES"], !folder.isEmpty { folders.append(folder) }
    let binary = URL(fileURLWithPath: executable).resolvingSymlinksInPath()
    var place = binary
    while place.pathComponents.count > 1 {
      place.deleteLastPathComponent()
      let profiles = place.appendingPathComponent("profiles").path
      let package = place.appendingPathComponent("Package.swift").path
      if FileManager.default.fileExists(atPath: package),
        FileManager.default.fileExists(atPath: profiles)
      {
        folders.append(profiles)
        break
      }
    }
    let installed = binary.deletingLastPathComponent().deletingLastPathComponent()
      .appendingPathComponent("share/nsstorm/profiles").path
    if FileManager.default.fileExists(atPath: installed) { folders.append(installed) }
    self.folders = folders
  }

  /// The names of all profiles, sorted; a name that stands in two folders is listed once.
  public func names() -> [String] {
    var names: Set<String> = []
    for folder in folders {
      let files = (try? FileManager.default.contentsOfDirectory(atPath: folder)) ?? []
      for file in files where file.hasSuffix(".yaml") { names.insert(String(file.dropLast(5))) }
    }
    return names.sorted()
  }

  /// Loads a profile by its name or by the path of its file.
  public func load(_ nameOrPath: String) throws(ProfileError) -> Profile {
    let path = try locate(nameOrPath)
    let yaml: String
    do {
      let size = try FileManager.default.attributesOfItem(atPath: path)[.size] as? Int ?? 0
      guard size <= Self.mostBytes else {
        throw ProfileError.unreadable(
          file: path, reason: "\(size) bytes; a profile has at most \(Self.mostBytes)")
      }
      yaml = try String(contentsOf: URL(fileURLWithPath: path), encoding: .utf8)
    } catch let error as ProfileError {
      throw error
    } catch {
      throw .unreadable(file: path, reason: error.localizedDescription)
    }
    let file = URL(fileURLWithPath: path).lastPathComponent
    let name = file.hasSuffix(".yaml") ? String(file.dropLast(5)) : file
    return try Profile(yaml: yaml, name: name, file: path)
  }

  private func locate(_ nameOrPath: String) throws(ProfileError) -> String {
    if nameOrPath.contains("/") || nameOrPath.hasSuffix(".yaml") {
      guard FileManager.default.fileExists(atPath: nameOrPath) else {
        throw .unreadable(file: nameOrPath, reason: "there is no such file")
      }
      return nameOrPath
    }
    for folder in folders {
      let path = folder + "/" + nameOrPath + ".yaml"
      if FileManager.default.fileExists(atPath: path) { return path }
    }
    throw .notFound(name: nameOrPath, searched: folders, known: names())
  }
}
