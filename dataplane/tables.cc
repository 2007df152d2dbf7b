#include "dataplane/tables.h"

#include <cstdlib>
#include <new>

namespace midstream {

// Connections are not touched until used: value-initialised one by one.
Tables::Tables(unsigned workers, size_t services, size_t servers)
    : connections_(
          static_cast<Connection*>(std::calloc(size_t{workers} * kMaxConnections, sizeof(Connection))),
          [](Connection* table) { std::free(table); }),
      streams_(size_t{workers} * kMaxStreamStates),
      living_(workers, services, servers),
      custody_(size_t{workers} * kMaxConnections) {
  if (!connections_) throw std::bad_alloc();
}

}  // namespace midstream
