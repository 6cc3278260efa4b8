//! The rehearsal: N engines, a virtual clock and a seeded faulty world.
