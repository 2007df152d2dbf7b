#include "dataplane/tables.h"

namespace midstream {

// Connections are not touched until used: value-initialised one by one.
Tables::Tables(const TableSizes& sizes, const std::vector<int>& nodes, size_t services, size_t servers)
    : sizes_(sizes),
      connections_("connections", sizes.connections, nodes, Pages::kWhenUsed),
      streams_("streams", sizes.streams, nodes, Pages::kAtStart),
      living_(static_cast<unsigned>(nodes.size()), services, servers),
      custody_("custody", sizes.connections, nodes, Pages::kAtStart) {}

}  // namespace midstream
