"""Names that look like those of real clusters, and draws that favour a few of them."""

import bisect
import itertools

WORDS = ("api auth billing cache cart catalog checkout config consumer currency dashboard delivery email events export feed frontend "
         "gateway graph identity image import index ingest inventory invoice ledger login mail media metrics notify orders payment "
         "photo plan pricing profile proxy queue ranking rating recommend registry report review router scheduler search session "
         "shipping sms stats stock storage stream sync tax tenant token tracker upload user video wallet webhook worker").split()
TAILS = "svc api db redis kafka grpc http web worker backend cache v2 internal primary replica".split()
NAMESPACES = ("default kube-system monitoring logging ingress-nginx cert-manager istio-system argocd payments orders search media "
              "identity platform data ml-serving staging dev qa edge").split()


class Zipf:
    """Draws an item with weight 1/rank^s, the ranks shuffled."""

    def __init__(self, items, s, rnd):
        self.items, self.rnd = list(items), rnd
        rnd.shuffle(self.items)
        self.sums = list(itertools.accumulate(1.0 / (i + 1) ** s for i in range(len(self.items))))

    def __call__(self):
        return self.items[bisect.bisect_left(self.sums, self.rnd.random() * self.sums[-1])]
