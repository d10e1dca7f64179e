import Foundation
import StormKernel
import Testing

@testable import StormFleet

@Suite struct `faults of the host` {
  @Test
  func `a full disk for results is an error of the harness, and what stood there still stands`()
    throws
  {
    // A file system of one page: everything beyond it finds no room.
    #expect(throws: FleetError.self) { try writeWhole([1, 2, 3], to: "/dev/full") }
    do {
      try writeWhole([1, 2, 3], to: "/dev/full")
    } catch {
      #expect("\(error)".contains("/dev/full"))
    }
    // No room for a failure: the soak says so and goes on (see `a soak`).
    try withFolder { path in
      let folder = try SoakFolder(path: path, mostBytes: 1 << 30, keptFreeBytes: .max)
      #expect(!folder.makeRoom())
    }
  }

  @Test func `an entry of the cache without its image is no kernel`() throws {
    try withFolder { folder in
      let place = "\(folder)/kernels/debian-9.9.9"
      try FileManager.default.createDirectory(atPath: place, withIntermediateDirectories: true)
      // What an interrupted or damaged download leaves: a description without its image.
      try #"{"label":"debian:9.9.9","image":"vmlinuz","modules":[]}"#.write(
        toFile: "\(place)/kernel.json", atomically: false, encoding: .utf8)
      let cache = KernelCache(folder: folder, mirror: "http://127.0.0.1:9")
      #expect(throws: FleetError.self) {
        _ = try cache.kernel(KernelChoice("debian:9.9.9") { _ in false }) { _ in }
      }
    }
  }

  @Test func `a damaged package is refused when it is unpacked`() throws {
    try withFolder { folder in
      try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
      let package = "\(folder)/broken.deb"
      try Data("!<arch>\ndamaged".utf8).write(to: URL(fileURLWithPath: package))
      #expect(throws: FleetError.self) {
        _ = try HostCommand(
          path: try HostCommand.path(of: "dpkg-deb", package: "dpkg"),
          arguments: ["-x", package, "\(folder)/tree"], limitSeconds: 20
        ).run()
      }
    }
  }

  @Test func `a module folder without modules is refused`() throws {
    try withFolder { folder in
      try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
      #expect(throws: FleetError.self) { _ = try KernelModule.loadOrder(below: folder) }
      let module = Array("\0depends=\0".utf8)
      try Data(module).write(to: URL(fileURLWithPath: "\(folder)/loop.ko"))
      try Data("\0depends=loop\0".utf8).write(to: URL(fileURLWithPath: "\(folder)/overlay.ko"))
      let order = try KernelModule.loadOrder(below: folder)
      #expect(order.map(KernelModule.name(ofFile:)) == ["loop", "overlay"])
    }
  }

  @Test func `a guest that mounts tmpfs alone gets the modules of its line and no others`() throws {
    try withFolder { folder in
      try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
      let needs = [
        ("00-virtio_ring", ""), ("01-virtio", "virtio_ring"),
        ("02-virtio_pci", "virtio,virtio_ring"),
        ("03-virtio_console", "virtio"), ("04-crc32", ""), ("05-xfs", "crc32"),
      ]
      let files = try needs.map { name, needed in
        let path = "\(folder)/\(name).ko"
        try Data("\0depends=\(needed)\0".utf8).write(to: URL(fileURLWithPath: path))
        return path
      }
      let names = try KernelModule.filesOfTheLine(files).map {
        ($0 as NSString).lastPathComponent
      }
      #expect(
        names == ["00-virtio_ring.ko", "01-virtio.ko", "02-virtio_pci.ko", "03-virtio_console.ko"])
      #expect(try KernelModule.filesOfTheLine(Array(files[4...])).isEmpty)
    }
  }

  @Test func `a console whose supervisor is late loses nothing`() throws {
    let line = try HostSocket()
    let text = Array(
      "[    0.000000] BIOS-e820: [mem 0x0000000000000000-0x000000000009fbff]\r\n".utf8)
    // As an emulated serial port writes, a character at a time.
    var sent = 0
    for number in 0..<(100 * text.count) {
      var byte = text[number % text.count]
      sent += send(line.there, &byte, 1, Int32(truncatingIfNeeded: MSG_DONTWAIT))
    }
    #expect(sent == 100 * text.count)
  }
}
