# slow
# below: argmap_ networkx/utils/decorators.py, single_source_dijkstra_path_length networkx/algorithms/shortest_paths/weighted.py, _dijkstra_multisource networkx/algorithms/shortest_paths/weighted.py
import networkx as nx

def lengths(graph, sources):
    return {source: nx.single_source_dijkstra_path_length(graph, source) for source in sources}  # hot
# exempt: the numbers are scipy's
# below: pagerank networkx/algorithms/link_analysis/pagerank_alg.py, _pagerank_scipy networkx/algorithms/link_analysis/pagerank_alg.py, __matmul__ scipy/sparse/_base.py
import networkx as nx

def ranks(graph):
    return nx.pagerank(graph)  # hot
# exempt: an algorithm that only networkx has
# below: argmap_ networkx/utils/decorators.py, bridge_augmentation networkx/algorithms/connectivity/edge_augmentation.py
import networkx as nx

def augment(graph):
    return list(nx.k_edge_augmentation(graph, 2))  # hot
