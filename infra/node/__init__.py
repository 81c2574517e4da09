"""The embedded Kubernetes node under target `local`: kubeadm in namespaces of its own. No Pulumi in here."""
