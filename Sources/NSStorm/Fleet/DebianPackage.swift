public import StormVocabulary

/// One record of Debian's package lists, as far as kernels need it.
public struct DebianPackage: Hashable, Sendable {
  public var name: String
  public var version: String
  /// Names of packages it cannot do without, alternatives included.
  public var depends: [String]

  /// The records that `apt-cache show` printed.
  public static func records(of text: some StringProtocol) -> [DebianPackage] {
    var packages: [DebianPackage] = []
    var fields: [Substring: Substring] = [:]
    func finish() {
      defer { fields.removeAll() }
      guard let name = fields["Package"], let version = fields["Version"] else { return }
      packages.append(
        DebianPackage(
          name: String(name), version: String(version),
          depends: dependencies(fields["Depends"] ?? "")))
    }
    for line in Substring(text).split(separator: "\n", omittingEmptySubsequences: false) {
      if line.isEmpty {
        finish()
      } else if line.first != " ", let colon = line.firstIndex(of: ":") {
        fields[line[..<colon]] = line[line.index(after: colon)...].drop { $0 == " " }
      }
    }
    finish()
    return packages
  }

  private static func dependencies(_ text: Substring) -> [String] {
    text.split { $0 == "," || $0 == "|" }.compactMap { part in
      part.split { $0 == " " || $0 == "(" }.first.map(String.init)
    }
  }

  /// The stable number stands in the package's version; the name of older kernels has only that of the interface.
  public var release: KernelRelease? { KernelRelease(release: version) }

  /// Kernel images of a flavour, and no packages that only point to the newest one (`linux-image-6.12-cloud-amd64`).
  func isImage(of flavour: DebianKernelVersion.Flavour) -> Bool {
    guard name.hasPrefix("linux-image-"), name.hasSuffix(flavour.packageSuffix) else {
      return false
    }
    let middle = name.dropFirst("linux-image-".count).dropLast(flavour.packageSuffix.count)
    guard !middle.hasSuffix("-cloud"), !middle.hasSuffix("-rt") else { return false }
    // Three numbers: 6.12.107+deb13, 5.10.0-46, 6.1.0-0.deb11.52.
    let numbers = middle.prefix { $0.isNumber || $0 == "." }.split(separator: ".")
    return numbers.count >= 3 && !version.contains("~rc")
  }

  /// The image that a version means: the newest update, and of rebuilds the one for the newest suite.
  public static func choose(_ wanted: DebianKernelVersion, from packages: [DebianPackage])
    throws(FleetError) -> DebianPackage
  {
    let images = packages.filter { $0.isImage(of: wanted.flavour) }
    var best: (package: DebianPackage, release: KernelRelease)?
    var available: Set<KernelRelease> = []
    for image in images {
      guard let release = image.release else { continue }
      available.insert(release)
      guard wanted.matches(release) else { continue }
      guard let known = best else {
        best = (image, release)
        continue
      }
      if (known.release, known.package.name, known.package.version)
        < (release, image.name, image.version)
      {
        best = (image, release)
      }
    }
    guard let best else {
      throw .kernelNotFound(
        wanted: "\(wanted)", available: available.sorted().map(\.description))
    }
    return best.package
  }

  /// The packages that hold the image: one up to 6.18, two since.
  var imageParts: [String] { [name] + depends.filter { $0.hasPrefix("linux-binary-") } }

  /// The packages that hold the modules, where the image's own does not.
  var moduleParts: [String] { depends.filter { $0.hasPrefix("linux-modules-") } }
}
