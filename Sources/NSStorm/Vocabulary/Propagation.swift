/// A propagation type, as `mount(2)` and `mount_setattr(2)` set it (kernel-mounts 1.4).
public enum PropagationType: String, CaseIterable, Hashable, Sendable, Codable {
  case shared, `private`, slave, unbindable
}
