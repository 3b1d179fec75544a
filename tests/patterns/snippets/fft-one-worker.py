# slow: scipy
# known: cores=1.0
import scipy.fft

def spectra(images):
    return abs(scipy.fft.fft2(images))  # hot
# exempt: numpy has no such switch
# known: cores=1.0 seconds_each=0.4
import numpy as np

def filtered(volumes, kernel):
    for volume in volumes:
        spectrum = np.fft.rfftn(volume)  # hot
        save(spectrum * kernel)
# exempt: workers are set
# known: cores=1.0
import scipy.fft

def spectra(images):
    return abs(scipy.fft.fft2(images, workers=-1))  # hot
# exempt: one transform along one axis cannot be divided
# known: cores=1.0
import scipy.fft

def spectrum(signal):
    return abs(scipy.fft.fft(signal))  # hot
# exempt: many small ones
# known: cores=1.0
import scipy.fft

def spectra(patches):
    return [scipy.fft.fft2(patch) for patch in patches]  # hot
# exempt: the cores are at work
# known: cores=1.9
import scipy.fft

def spectra(images):
    return abs(scipy.fft.fft2(images))  # hot
